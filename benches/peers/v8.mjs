// Runs a kernel in V8: `node v8.mjs KERNEL.wasm N` prints what run(N) returns and the seconds of user time that it took.
import {readFileSync} from "node:fs";

const [, , file, n] = process.argv;
const instance = new WebAssembly.Instance(new WebAssembly.Module(readFileSync(file)), {});
instance.exports.run(1);
const before = process.cpuUsage();
const result = instance.exports.run(Number(n));
const {user} = process.cpuUsage(before);
console.log(`${result} ${user / 1e6}`);
