// Imported by report.mjs: lines with commas as objects.
print("csv.mjs is loaded");

export function parse(text) {
    const records = [], refused = [];
    const [head, ...lines] = text.trim().split("\n").map(line => line.split(","));
    for (const [item, ...numbers] of lines) {
        const [pieces, price] = numbers.map(Number);
        if ([pieces, price].some(Number.isNaN))
            refused.push([item, ...numbers].join(","));
        else
            records.push({ item, pieces, price });
    }
    return { head, records, refused };
}

export default what => `csv.mjs, ${what}`;
