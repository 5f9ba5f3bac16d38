import { render } from "preact";
import { App } from "./app";
import { begin } from "./login";
import "uplot/dist/uPlot.min.css";
import "./theme/tokens.css";
import "./theme/base.css";
import "./theme/controls.css";
import "./theme/shell.css";
import "./runs/runs.css";
import "./run/run.css";
import "./logs/logs.css";

begin();
render(<App />, document.getElementById("app")!);
