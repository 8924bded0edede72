// Runs before anything is painted: the theme and the language that were chosen last, so that
// a dark page does not flash white.
(() => {
  let p = {};
  try {
    p = JSON.parse(localStorage.getItem("yagura.prefs") || "{}");
  } catch {}
  const dark = p.theme === "dark" || (p.theme !== "light" && !matchMedia("(prefers-color-scheme: light)").matches);
  document.documentElement.dataset.mantineColorScheme = dark ? "dark" : "light";
  document.documentElement.lang = p.lang || (/^ja\b/.test(navigator.language) ? "ja" : "en");
})();
