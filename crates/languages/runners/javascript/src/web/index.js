// The globals that scripts know from the web.

import "../timers.js";
import "./console.js";
import "./events.js";
import "./encoding.js";
import "./url.js";
import "./fetch.js";
import "./crypto.js";
import "./clone.js";
import "./locale.js";
import "./performance.js";
