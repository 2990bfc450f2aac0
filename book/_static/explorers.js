// The explorers are sandboxed frames: they cannot see the page's theme or set their own height.
"use strict";
(function () {
  const frames = () => [...document.querySelectorAll("iframe.explorer")];
  const theme = () => document.documentElement.dataset.theme;
  const tell = (frame) => frame.contentWindow.postMessage({ theme: theme() }, "*");

  addEventListener("message", ({ data, source }) => {
    const frame = frames().find((one) => one.contentWindow === source);
    if (!frame || !Number.isFinite(data?.explorer)) return;
    frame.style.height = `${Math.min(6000, data.explorer)}px`;
    tell(frame); // it has just come to life
  });
  new MutationObserver(() => frames().forEach(tell)).observe(document.documentElement, {
    attributes: true, attributeFilter: ["data-theme"],
  });
})();
