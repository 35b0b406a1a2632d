// Secrets that requests carry and scripts never see.

import secretsHost from "bailiwick:host/secrets";
import { words } from "../bytes.js";
import { ask } from "../errors.js";

/** The placeholder of a secret. Where the policy says, in a header for example, the host sends the value in its place. */
export function secret(name) {
    const named = words(name, "the name of a secret");
    return ask(`secret use ${named}`, secretsHost.placeholder, named);
}
