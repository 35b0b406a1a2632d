// The interpreter: what the component exports. The order matters: the engine's doors first, then everything that scripts see, which the snapshot
// keeps.

import "./engine.js";
import "./stack.js";
import "./web/index.js";
import "./modules/index.js";
import "./bailiwick/index.js";

export { execute } from "./script/execute.js";
