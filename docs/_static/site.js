// Small things that the pages need in the browser. Everything can be read without them.

"use strict";

// Regions that scroll sideways can be reached and scrolled by keyboard; those that fit are no stop on the way.
const SCROLLING = "div.highlight pre, .cell_output pre, div.math, .pst-scrollable-table-container, mjx-container[display]";

function markScrolling() {
  for (const region of document.querySelectorAll(SCROLLING)) {
    if (region.scrollWidth > region.clientWidth + 1) {
      region.tabIndex = 0;
      region.setAttribute("role", "region");
      region.setAttribute("aria-label", region.matches("pre") ? "Code, scrolls sideways" : "Scrolls sideways");
    } else if (region.getAttribute("role") === "region") {
      region.removeAttribute("tabindex");
      region.removeAttribute("role");
      region.removeAttribute("aria-label");
    }
  }
}

// A caption of the gallery opens to the left where there is no room on the right.
function turnCaptions() {
  for (const thumb of document.querySelectorAll(".front-thumb")) {
    thumb.classList.toggle("at-end", thumb.getBoundingClientRect().left + 330 > document.documentElement.clientWidth);
  }
}

// A file cannot be fetched from a page that is a file itself: then the search shows titles without summaries.
if (location.protocol === "file:" && typeof DOCUMENTATION_OPTIONS !== "undefined") {
  DOCUMENTATION_OPTIONS.SHOW_SEARCH_SUMMARY = false;
}

// Paper is white: what is read in the dark is printed in the light.
window.addEventListener("beforeprint", () => {
  const theme = document.documentElement.dataset;
  theme.shown = theme.theme;
  theme.theme = "light";
});
window.addEventListener("afterprint", () => {
  const theme = document.documentElement.dataset;
  theme.theme = theme.shown ?? theme.theme;
});

window.addEventListener("load", () => {
  markScrolling();
  turnCaptions();
  if (window.MathJax?.startup?.promise) {
    window.MathJax.startup.promise.then(markScrolling);
  }
});
document.addEventListener("toggle", markScrolling, true); // what was folded has a width only now
window.addEventListener("resize", () => {
  markScrolling();
  turnCaptions();
});
