// A tour of the language, each stop with enough work to be felt. Prints the same everywhere:
// no clock, no locale, no Math.random.
"use strict";

let seed = 7;
function random(limit) {
    seed = (seed * 48271) % 2147483647;
    return seed % limit;
}

function checksum(text) {
    let hash = 0x811c9dc5;
    for (let i = 0; i < text.length; i++) hash = Math.imul(hash ^ text.charCodeAt(i), 0x01000193);
    return (hash >>> 0).toString(16).padStart(8, "0");
}

// --- Classes: inheritance, private fields, accessors, static members, symbols.
class Animal {
    static count = 0;
    #name;
    constructor(name) { this.#name = name; Animal.count++; }
    get name() { return this.#name; }
    speak() { return `${this.name} makes a sound`; }
    [Symbol.toPrimitive](hint) { return hint === "number" ? this.name.length : this.name; }
}
class Dog extends Animal {
    speak() { return `${super.speak()}: woof`; }
    static named(...names) { return names.map((name) => new this(name)); }
}
const dogs = Dog.named("Rex", "Fido", "Argos");
print("classes:", dogs.map((dog) => dog.speak()).join("; "), Animal.count, +dogs[1], `${dogs[2]}`);

let area = 0;
class Shape { area() { return 0; } }
class Square extends Shape { constructor(side) { super(); this.side = side; } area() { return this.side ** 2; } }
class Circle extends Shape { constructor(r) { super(); this.r = r; } area() { return Math.PI * this.r * this.r; } }
for (let i = 0; i < 60000; i++) area += (i % 2 ? new Square(i % 9) : new Circle(i % 5)).area();
print("virtual calls:", area.toFixed(6));

// --- Closures, spread, destructuring, default values.
const compose = (...functions) => (x) => functions.reduceRight((value, f) => f(value), x);
const counters = Array.from({ length: 5 }, (_, i) => { let n = i; return () => (n += i); });
for (let round = 0; round < 2000; round++) counters.forEach((next) => next());
const { a, b: { c = 5, ...others }, ...rest } = { a: 1, b: { d: 2, e: 3 }, f: 4 };
print("closures:", counters.map((next) => next()).join(), compose((x) => x + 1, (x) => x * 2)(20), a, c, JSON.stringify([others, rest]));

// --- JSON there and back.
const records = [];
for (let i = 0; i < 3000; i++) {
    records.push({ id: i, name: `record ${i} "${random(1000)}"`, values: [random(100), random(100) / 8, null, i % 2 === 0], nested: { text: "\u00e9\n\t\\", more: {} } });
}
const json = JSON.stringify(records);
const parsed = JSON.parse(json, (key, value) => (key === "id" ? value + 1 : value));
print("json:", json.length, checksum(json), parsed[2999].id, checksum(JSON.stringify(parsed, null, 2)));

// --- Regular expressions: groups, look-around, sticky, unicode.
const log = records.map((r) => `2024-${String(r.id % 12 + 1).padStart(2, "0")}-${String(r.id % 28 + 1).padStart(2, "0")} [${["info", "warn", "error"][r.id % 3]}] user${r.values[0]}@host${r.id % 17}.example took ${r.values[1]}ms`).join("\n");
const line = /^(?<year>\d{4})-(?<month>\d\d)-\d\d \[(?<level>\w+)\] (?<who>[\w.]+)@([\w.]+) took (\d+(?:\.\d+)?)ms$/gm;
const levels = {};
let took = 0;
for (const match of log.matchAll(line)) {
    levels[match.groups.level] = (levels[match.groups.level] ?? 0) + 1;
    took += parseFloat(match[6]);
}
print("regex:", JSON.stringify(levels), took, checksum(log.replace(/user(\d+)(?=@host1)/g, (_, n) => `<${n * 2}>`)));
print("regex:", "aBc".replace(/b/i, "[$&]"), "2024-05".match(/(?<y>\d+)-(?<m>\d+)/).groups.m, /(?<!\$)\b\d+/.exec("$5 17")[0], "a1b22".split(/\d+/).join("|"), /^\p{Lu}/u.test("Éa"));

// --- Map, Set, WeakMap, Symbol, Proxy, Reflect.
const words = new Map();
for (const word of log.split(/\W+/)) words.set(word, (words.get(word) ?? 0) + 1);
const top = [...words].sort(([x, m], [y, n]) => n - m || (x < y ? -1 : 1)).slice(0, 5);
const set = new Set(Array.from({ length: 20000 }, () => random(5000)));
const trace = [];
const proxy = new Proxy({}, { get: (target, key) => (trace.push(String(key)), Reflect.get(target, key) ?? key.length), has: () => true });
print("collections:", words.size, JSON.stringify(top), set.size, proxy.hello + proxy.you, "x" in proxy, trace.join());

// --- BigInt.
function factorial(n) { let product = 1n; for (let i = 2n; i <= n; i++) product *= i; return product; }
function power(base, exponent, modulus) {
    let result = 1n;
    for (base %= modulus; exponent > 0n; exponent >>= 1n) {
        if (exponent & 1n) result = (result * base) % modulus;
        base = (base * base) % modulus;
    }
    return result;
}
const big = factorial(400n);
print("bigint:", big.toString().length, checksum(big.toString()), power(3n, 10n ** 60n, 2n ** 127n - 1n), -7n / 2n, BigInt.asIntN(8, 200n), 2n ** 64n > 1e19, (big >> 2000n).toString(16).slice(0, 16));

// --- Typed arrays, DataView.
const size = 64;
const x = new Float64Array(size * size).map((_, i) => (i % 13) / 4);
const y = new Float64Array(size * size).map((_, i) => (i % 7) - 3);
const z = new Float64Array(size * size);
for (let i = 0; i < size; i++) for (let j = 0; j < size; j++) {
    let sum = 0;
    for (let k = 0; k < size; k++) sum += x[i * size + k] * y[k * size + j];
    z[i * size + j] = sum;
}
const view = new DataView(new ArrayBuffer(16));
view.setFloat32(0, 1.1);
view.setInt16(4, -2, true);
view.setBigUint64(8, 0x0123456789abcdefn);
print("typed arrays:", z.reduce((s, v) => s + v, 0), Uint8Array.from([1, 255, 256, -1]).join(), new Uint8ClampedArray([300, -5, 1.5]).join(), [...new Uint8Array(view.buffer)].join());

// --- Sorting: stable, by key, by default order.
const people = Array.from({ length: 20000 }, (_, i) => ({ age: random(90), i }));
people.sort((p, q) => p.age - q.age);
const stable = people.every((p, i) => i === 0 || people[i - 1].age < p.age || (people[i - 1].age === p.age && people[i - 1].i < p.i));
print("sort:", stable, checksum(people.map((p) => p.i).join()), [10, 9, 1, "b", undefined, "a"].sort().join(), Int32Array.from([5, -3, 2]).sort().join());

// --- Generators, iterators, tagged templates, labels.
function* primes() {
    const composites = new Map();
    for (let n = 2; ; n++) {
        const factors = composites.get(n);
        if (!factors) { yield n; composites.set(n * n, [n]); continue; }
        composites.delete(n);
        for (const p of factors) composites.set(n + p, [...(composites.get(n + p) ?? []), p]);
    }
}
function* take(iterable, count) { for (const value of iterable) { if (count-- <= 0) return; yield value; } }
function* tree(depth) { if (depth > 0) { yield* tree(depth - 1); yield depth; yield* tree(depth - 1); } }
let last, visited = 0;
for (last of take(primes(), 3000));
for (const depth of tree(12)) visited += depth;
const tag = (strings, ...values) => strings.raw.map((s, i) => s + (values[i] ?? "")).join("").length;
outer: for (let i = 0; ; i++) for (let j = 0; j < 10; j++) if (i * j === 42) { print("generators:", last, visited, tag`a\n${12}b`, i, j); break outer; }

// --- Exceptions, finally, error causes, unwinding.
function risky(n) { try { if (n % 3 === 0) throw new RangeError(`bad ${n}`, { cause: n }); return n; } catch (error) { return -error.cause; } finally { visited++; } }
let balance = 0;
for (let i = 0; i < 20000; i++) balance += risky(i);
// Not deeper: QuickJS watches its stack natively only, on WASI the host's limit would be a trap.
function dive(n) { if (n === 0) throw new Error("bottom"); return 1 + dive(n - 1); }
let depth = 0;
try { dive(200); } catch (error) { depth = error.stack.split("\n").length; }
print("exceptions:", balance, visited, depth);
try { null.x; } catch (error) { print("exceptions:", error.name, error instanceof TypeError); }

// --- Numbers and strings.
print("numbers:", 0.1 + 0.2, 1e21, 1 / 3, -0, Object.is(-0, 0), 5e-324, (255).toString(36), (1234.5678).toFixed(2), (0.000001234).toExponential(2), parseInt("0x1f"), Number("  12  "), NaN !== NaN, 2 ** 53 + 1, 7 % -3, -7 >>> 28, 1 << 31);
print("numbers:", Math.hypot(3, 4), Math.fround(0.1), Math.clz32(1), Math.trunc(-4.7), Math.sign(-3), Math.cbrt(27).toFixed(9), Math.max(), (25).toString(2), (0.1).toString(3).slice(0, 20), (123.456).toPrecision(4));
print("strings:", "héllo".normalize("NFD").length, [..."a😀b"].length, "abc".at(-1), "x".repeat(3), "Straße".toUpperCase(), "a-b-c".replaceAll("-", "+"), "abc".localeCompare("abd"), encodeURIComponent("é&"), "b" > "B");
print("dates:", new Date(Date.UTC(2024, 1, 29, 12)).toISOString(), new Date("2000-01-01T00:00:00Z").getTime());

// --- Promises and async functions run after the script itself.
const delayed = (value) => new Promise((resolve) => resolve(value));
async function* numbers() { for (let i = 0; i < 4; i++) yield await delayed(i); }
(async () => {
    const seen = [];
    for await (const n of numbers()) seen.push(n);
    const settled = await Promise.allSettled([delayed(1), Promise.reject(new Error("no"))]);
    print("async:", seen.join(), settled.map((s) => s.status).join());
})();
print("end of script");
