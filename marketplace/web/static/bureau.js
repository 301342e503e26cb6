"use strict";
// Draws the bureau's charts from the data beside them. Without this script the tables say the same.
const ground = {
  animation: false,
  aria: { enabled: false },
  textStyle: { fontFamily: getComputedStyle(document.body).fontFamily, color: "#26303d" },
};
const frame = {
  color: ["#1f5aa6", "#2f8a3f"],
  tooltip: { trigger: "axis" },
  legend: { top: 4, textStyle: { fontSize: 13 } },
  grid: { left: 8, right: 16, top: 40, bottom: 8, containLabel: true },
};
const numbers = { type: "value", minInterval: 1 };
const kinds = {
  months: (data) => ({
    ...frame,
    // Straight lines: a smooth curve would show values between the months, and some below zero.
    xAxis: { type: "category", data: data.labels, axisLabel: { rotate: data.labels.length > 14 ? 35 : 0 } },
    yAxis: numbers,
    series: [
      { name: data.names[0], type: "bar", data: data.bars, barMaxWidth: 36 },
      { name: data.names[1], type: "line", data: data.line, symbolSize: 7 },
    ],
  }),
  // Names of groups are long: bars lie, so that they can be read on a phone too.
  groups: (data) => ({
    ...frame,
    xAxis: numbers,
    yAxis: { type: "category", inverse: true, data: data.labels, axisLabel: { width: 150, overflow: "truncate" } },
    series: [
      { name: data.names[0], type: "bar", data: data.bars, barMaxWidth: 14 },
      { name: data.names[1], type: "bar", data: data.line, barMaxWidth: 14 },
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
