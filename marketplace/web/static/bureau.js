"use strict";
// Draws the bureau's charts from the data beside them. Without this script the tables say the same.
const ground = {
  animation: false,
  aria: { enabled: false },
  textStyle: { fontFamily: getComputedStyle(document.body).fontFamily, color: "#26303d" },
};
const axes = (labels, tilted) => ({
  color: ["#1f5aa6", "#2f8a3f"],
  tooltip: { trigger: "axis" },
  legend: { top: 4, textStyle: { fontSize: 13 } },
  grid: { left: 8, right: 12, top: 40, bottom: 8, containLabel: true },
  xAxis: { type: "category", data: labels, axisLabel: { rotate: tilted ? 35 : 0, width: 130, overflow: "truncate" } },
  yAxis: { type: "value", minInterval: 1 },
});
const kinds = {
  months: (data) => ({
    ...axes(data.labels, data.labels.length > 14),
    series: [
      { name: data.names[0], type: "bar", data: data.bars, barMaxWidth: 36 },
      { name: data.names[1], type: "line", data: data.line, smooth: true, symbolSize: 7 },
    ],
  }),
  groups: (data) => ({
    ...axes(data.labels, data.labels.length > 6),
    series: [
      { name: data.names[0], type: "bar", data: data.bars, barMaxWidth: 32 },
      { name: data.names[1], type: "bar", data: data.line, barMaxWidth: 32 },
    ],
  }),
};
for (const place of document.querySelectorAll("[data-chart]")) {
  const data = JSON.parse(place.dataset.chart);
  place.hidden = false;
  const chart = echarts.init(place, null, { renderer: "svg" });
  chart.setOption({ ...ground, ...kinds[data.type](data) });
  new ResizeObserver(() => chart.resize()).observe(place);
}
