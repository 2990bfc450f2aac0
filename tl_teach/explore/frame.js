const fields = [...document.querySelectorAll("input, select")];
const view = document.querySelector(".view"), words = document.querySelector(".words");
function place(field) {
  return Number(field.tagName === "SELECT" ? field.selectedIndex : field.value);
}
function show() {
  let at = 0;
  fields.forEach((field, i) => {
    at = at * DATA.sizes[i] + place(field);
    const text = DATA.options[i][place(field)];
    const output = field.parentElement.querySelector("output"); // only beside a slider
    if (!output) return;
    output.textContent = text;
    field.setAttribute("aria-valuetext", text);
  });
  view.innerHTML = DATA.views[at];
  words.textContent = DATA.words[at];
}
for (const field of fields) field.addEventListener("input", show);
document.querySelector(".still").remove();
document.querySelector(".controls").hidden = false;
// The page around this frame may say which theme it has, and is told how high the frame must be.
const dark = matchMedia("(prefers-color-scheme: dark)");
function wear(theme) { document.documentElement.dataset.theme = theme; }
wear(dark.matches ? "dark" : "light");
let told = false; // by the page, which may differ from the system
dark.addEventListener("change", () => told || wear(dark.matches ? "dark" : "light"));
addEventListener("message", ({ data }) => {
  if (data?.theme !== "dark" && data?.theme !== "light") return;
  told = true;
  wear(data.theme);
});
addEventListener("pageshow", show); // a browser may have put the sliders back where they were
new ResizeObserver(() => parent.postMessage(
  { explorer: Math.ceil(document.querySelector("main").getBoundingClientRect().height) + 4 }, "*",
)).observe(document.querySelector("main"));
