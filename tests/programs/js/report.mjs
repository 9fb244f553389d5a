// Reads orders and a file of bytes, writes reports: a program that lives on files. Arguments: ORDERS BYTES REPORT.
import { parse } from "./lib/csv.mjs";

const [ordersPath, bytesPath, reportPath] = args;
const { records, refused } = parse(readText(ordersPath));
print(records.length, "orders,", refused.length, "refused:", refused.join("; "));

const totals = new Map();
for (const { item, pieces, price } of records)
    totals.set(item, (totals.get(item) ?? 0) + pieces * price);
const report = { totals: Object.fromEntries([...totals].sort()), refused, note: "naïve \u{1F600}\0" };
writeFile(reportPath, JSON.stringify(report, null, 2));
print(readText(reportPath));
print(JSON.stringify(JSON.parse(readText(reportPath))) === JSON.stringify(report));

// Bytes that are no text, there and back.
const bytes = new Uint8Array(256 * 300).map((_, at) => at * 7 + (at >> 8));
writeFile(bytesPath, bytes.buffer);
const again = new Uint8Array(readFile(bytesPath));
print(again.length, again.every((byte, at) => byte === bytes[at]));
writeFile("reversed", again.reverse().buffer);
writeFile("empty", "");
print(readFile("empty").byteLength, readText("empty") === "");

for (const attempt of [
    () => readText("nothing"),
    () => readFile(reportPath + "/below"),
    () => writeFile("lib", "a directory"),
    () => writeFile("nowhere/at/all", ""),
]) {
    try {
        attempt();
        print("not refused");
    } catch (error) {
        print(error.name, error.message);
    }
}
try {
    await import("./lib/missing.mjs");
} catch (error) {
    print(error.message);
}
const { default: later } = await import("./lib/csv.mjs");
print(later("read once"));
