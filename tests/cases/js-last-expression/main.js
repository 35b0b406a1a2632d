import { writeFileSync } from "node:fs";

writeFileSync("/m/note.txt", "kept\n");
2n ** 64n;
