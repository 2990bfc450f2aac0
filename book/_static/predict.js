/* Keeps a reader's predictions on the reader's own machine, and nowhere else.

   The first choice that is opened in a question is the prediction. It is marked from then on, also
   when the page is opened again. The page of progress counts them and can forget them. Without
   scripts the questions work as before; only nothing is remembered. */
(() => {
  "use strict";
  const KEY = "tl-predictions";

  let memory = null; // what was predicted where nothing can be kept

  const read = () => {
    if (memory) return memory;
    try {
      return JSON.parse(localStorage.getItem(KEY)) || {};
    } catch {
      return {}; // private windows and some files opened from a folder keep nothing
    }
  };
  const write = (predictions) => {
    try {
      localStorage.setItem(KEY, JSON.stringify(predictions));
    } catch {
      memory = predictions; // until the page is left
    }
  };

  const root = new URL(document.documentElement.dataset.content_root, location.href);
  const thisPage = location.href
    .split(/[?#]/)[0]
    .slice(root.href.length)
    .replace(/\.html$/, "");

  const mark = (choice) => {
    const summary = choice.querySelector("summary");
    if (summary.querySelector(".prediction")) return;
    const words = document.createElement("span");
    words.className = "prediction";
    words.textContent = " (your prediction)";
    summary.append(words);
  };

  const follow = (question) => {
    const choices = [...question.querySelectorAll("details")];
    const name = choices[0].getAttribute("name");
    choices.forEach((choice, index) =>
      choice.addEventListener("toggle", () => {
        const predictions = read();
        const here = (predictions[thisPage] ||= {});
        if (!choice.open || name in here) return;
        here[name] = index;
        write(predictions);
        mark(choice);
      })
    );
  };

  const markKnown = (question) => {
    const choices = [...question.querySelectorAll("details")];
    question.querySelectorAll(".prediction").forEach((words) => words.remove());
    const known = (read()[thisPage] || {})[choices[0].getAttribute("name")];
    if (choices[known]) mark(choices[known]);
  };

  const showProgress = (table) => {
    const predictions = read();
    let all = 0;
    let made = 0;
    for (const row of table.querySelectorAll("[data-page]")) {
      const questions = Number(row.dataset.questions);
      const here = Object.keys(predictions[row.dataset.page] || {}).length;
      all += questions;
      made += Math.min(here, questions);
      row.querySelector(".made").textContent = String(Math.min(here, questions));
    }
    const words = document.getElementById("progress-words");
    words.textContent = `You have made ${made} of ${all} predictions on this device.`;
    const forget = document.getElementById("progress-forget");
    forget.hidden = made === 0;
    forget.onclick = () => {
      write({});
      showProgress(table);
      words.focus();
    };
  };

  const showKnown = () => {
    document.querySelectorAll(".predict").forEach(markKnown);
    const table = document.getElementById("progress");
    if (table) showProgress(table);
  };

  document.addEventListener("DOMContentLoaded", () => {
    document.querySelectorAll(".predict").forEach(follow);
    showKnown();
  });
  // Another tab has predicted or forgotten; or the browser shows a page as it was left.
  addEventListener("storage", showKnown);
  addEventListener("pageshow", ({ persisted }) => persisted && showKnown());
})();
