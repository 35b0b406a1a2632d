import * as std from "std";

console.log(std.loadFile("/etc/passwd"));
