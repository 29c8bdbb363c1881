// How a deck starts: formulas first, then reveal.js. It is loaded before both.

window.MathJax = {
  tex: { inlineMath: [["$", "$"]], displayMath: [["$$", "$$"]], processEscapes: true },
  svg: { fontCache: "global" },
  options: { enableMenu: false, ignoreHtmlClass: "notes|lines" },
};

// A tall window, such as a phone's, gets tall slides with letters of the same size. Not on paper, and not in the small
// pictures of the speaker's window.
const wide = /print-pdf|receiver/i.test(window.location.search);
const shape = () =>
  !wide && window.innerWidth < window.innerHeight ? { width: 720, height: 1280 } : { width: 1280, height: 720 };

const mark = () => document.documentElement.classList.toggle("tall", shape().width < shape().height);

window.addEventListener("DOMContentLoaded", async () => {
  mark();
  await window.MathJax.startup.promise;
  await Reveal.initialize({
    ...shape(),
    margin: 0,
    center: false,
    hash: true,
    slideNumber: "c/t",
    defaultTiming: 60, // each slide has its own; that there is a default makes the speaker's window show the pace
    transition: "none",
    controlsTutorial: false,
    controlsBackArrows: "hidden",
    pdfSeparateFragments: false,
    pdfMaxPagesPerSlide: 1,
    scrollActivationWidth: null,
    plugins: [RevealNotes],
  });
  window.addEventListener("resize", () => {
    mark();
    Reveal.configure(shape());
  });
  document.documentElement.classList.add("ready");
});
