"use strict";
// Draws one bar for each range of prices or number of licensees. Without this script the table says the same.
for (const place of document.querySelectorAll("[data-bars]")) {
  const data = JSON.parse(place.dataset.bars);
  place.hidden = false;
  const room = (place.clientWidth - 80) / data.labels.length / 7; // characters
  const tight = data.labels.some((text) => text.length + 1 > room);
  const crowded = data.counts.some((count) => count.toLocaleString().length > room);
  const chart = echarts.init(place, null, { renderer: "svg" });
  chart.setOption({
    animation: false,
    aria: { enabled: false },
    color: ["#1f5aa6"],
    textStyle: { fontFamily: getComputedStyle(document.body).fontFamily, color: "#26303d" },
    tooltip: { trigger: "axis", axisPointer: { type: "shadow" } },
    grid: { left: 8, right: 16, top: 32, bottom: 28, containLabel: true },
    xAxis: {
      type: "category",
      data: data.labels,
      name: data.across,
      nameLocation: "middle",
      nameGap: tight ? 56 : 30,
      axisLabel: { interval: 0, rotate: tight ? 40 : 0 },
    },
    yAxis: { type: "value", name: data.name, nameTextStyle: { align: "left" }, minInterval: 1 },
    series: [
      {
        name: data.name,
        type: "bar",
        data: data.counts,
        barMaxWidth: 56,
        label: { show: !crowded, position: "top", formatter: ({ value }) => value.toLocaleString() },
      },
    ],
  });
  new ResizeObserver(() => chart.resize()).observe(place);
}
