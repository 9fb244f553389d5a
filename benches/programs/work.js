// Work for QuickJS: classes, maps and sets, arrays and their methods, strings, regular expressions, generators, typed arrays,
// numbers of any length.

let state = 42;
function random(limit) {
    state = (Math.imul(state, 1103515245) + 12345) & 0x7fffffff;
    return (state >>> 16) % limit;
}

class Shape {
    constructor(name) { this.name = name; }
    get label() { return `${this.name}:${this.area().toFixed(1)}`; }
}
class Circle extends Shape {
    constructor(r) { super("circle"); this.r = r; }
    area() { return Math.PI * this.r * this.r; }
}
class Box extends Shape {
    constructor(w, h) { super("box"); this.w = w; this.h = h; }
    area() { return this.w * this.h; }
}
{
    const shapes = [];
    for (let i = 0; i < 30000; i++)
        shapes.push(random(2) ? new Circle(random(20)) : new Box(random(20), random(30)));
    let sum = 0;
    for (let round = 0; round < 4; round++)
        for (const shape of shapes)
            sum += shape.area();
    const groups = new Map();
    for (const shape of shapes) {
        const key = shape.label;
        groups.set(key, (groups.get(key) ?? 0) + 1);
    }
    const top = [...groups].sort((a, b) => b[1] - a[1] || (a[0] < b[0] ? -1 : 1)).slice(0, 3);
    print("shapes", sum.toFixed(2), groups.size, JSON.stringify(top));
}
{
    const words = [];
    for (let i = 0; i < 12000; i++) {
        let word = "";
        for (let j = random(6) + 1; j > 0; j--)
            word += String.fromCharCode(97 + random(26));
        words.push(i % 50 === 0 ? `${word}@host${random(9)}.org` : i % 31 === 0 ? `20${10 + random(15)}-0${1 + random(9)}-1${random(9)}` : word);
    }
    const text = words.join(" ");
    const mails = text.match(/[a-z]+@[a-z]+\d\.org/g);
    const dates = [...text.matchAll(/(?<year>\d{4})-(?<month>\d\d)-(?<day>\d\d)/g)];
    const years = dates.reduce((sum, match) => sum + Number(match.groups.year), 0);
    const swapped = text.replace(/([aeiou])([^aeiou\s])/g, (_, a, b) => b + a);
    const counts = {};
    for (const word of text.split(/\s+/))
        counts[word[0]] = (counts[word[0]] || 0) + word.length;
    print("text", text.length, mails.length, years, swapped.length, swapped.slice(1000, 1030), JSON.stringify(counts).length);
    const again = JSON.parse(JSON.stringify({words: words.slice(0, 3000), counts}));
    print("json", again.words.length, again.words[2999] === words[2999], Object.keys(again.counts).length);
}
{
    const numbers = Array.from({length: 20000}, () => random(100000));
    const result = numbers.filter(x => x % 3).map(x => x * 2 + 1).reduce((sum, x) => (sum * 31 + x) % 1000000007, 7);
    const sorted = [...numbers].sort((a, b) => a - b);
    const unique = new Set(sorted);
    print("arrays", result, sorted[100], sorted.at(-1), unique.size);
}
{
    function* range(from, to) { for (let i = from; i < to; i++) yield i; }
    function* squares(numbers) { for (const x of numbers) yield x * x; }
    let sum = 0;
    for (const x of squares(range(0, 40000)))
        sum = (sum + x) % 1000003;
    const counter = (() => { let n = 0; return {up: () => ++n, get value() { return n; }}; })();
    for (let i = 0; i < 60000; i++)
        counter.up();
    print("generators", sum, counter.value);
}
{
    const size = 20000, sieve = new Uint8Array(size);
    let primes = 0;
    for (let i = 2; i < size; i++) {
        if (sieve[i])
            continue;
        primes++;
        for (let j = i * i; j < size; j += i)
            sieve[j] = 1;
    }
    const grid = new Float64Array(64 * 64);
    for (let i = 0; i < grid.length; i++)
        grid[i] = (i * 7) % 13;
    for (let round = 0; round < 10; round++)
        for (let y = 1; y < 63; y++)
            for (let x = 1; x < 63; x++) {
                const at = y * 64 + x;
                grid[at] = (grid[at - 1] + grid[at + 1] + grid[at - 64] + grid[at + 64]) / 4;
            }
    print("numbers", primes, grid.reduce((sum, x) => sum + x, 0).toFixed(6));
}
{
    let a = 1n;
    for (let i = 1n; i < 600n; i++)
        a *= i;
    const digits = a.toString();
    let sum = 0;
    for (const digit of digits)
        sum += Number(digit);
    print("large", digits.length, sum, a % 1000000007n);
}
{
    const tree = (depth) => depth ? {left: tree(depth - 1), right: tree(depth - 1), depth} : null;
    const count = (node) => node ? 1 + count(node.left) + count(node.right) : 0;
    let nodes = 0;
    for (let i = 0; i < 12; i++)
        nodes += count(tree(11));
    print("trees", nodes);
    let caught = 0;
    for (let i = 0; i < 5000; i++)
        try {
            if (i % 3 === 0)
                throw new RangeError(`number ${i}`);
            caught += i & 1;
        } catch (error) {
            caught += error.message.length;
        }
    print("errors", caught);
}
