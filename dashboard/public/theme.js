// Before anything is painted: the theme that was chosen, where it is not the system's.
try {
  const theme = localStorage.getItem("execgraph.theme");
  if (theme === "light" || theme === "dark") document.documentElement.dataset.theme = theme;
} catch {
  // Storage is switched off: the system's theme it is.
}
