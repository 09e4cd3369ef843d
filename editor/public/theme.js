// Runs before the first paint, so that a dark page never flashes white. A file, because inline scripts are refused.
(function () {
  var wish = localStorage.getItem("dataroll.theme") || "system";
  var dark = wish === "dark" || (wish === "system" && matchMedia("(prefers-color-scheme: dark)").matches);
  document.documentElement.classList.toggle("dark", dark);
})();
