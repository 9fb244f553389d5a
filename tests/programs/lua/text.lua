-- Strings, patterns and tables: a made-up text is split, counted, sorted, rewritten and packed.

local seed = 42
local function random(n) -- Park and Miller's generator: the same numbers everywhere.
  seed = seed * 48271 % 2147483647
  return seed % n + 1
end

local function checksum(text)
  local low, high = 1, 0
  for i = 1, #text do
    low = (low + text:byte(i)) % 65521
    high = (high + low) % 65521
  end
  return string.format("%04x%04x", high, low)
end

-- A text of made-up words in sentences.
local syllables = { "ka", "lo", "mi", "ren", "tu", "sha", "vo", "el", "ani", "ost", "pri", "dun" }
local vocabulary = {}
for i = 1, 400 do
  local parts = {}
  for j = 1, random(4) do parts[j] = syllables[random(#syllables)] end
  vocabulary[i] = table.concat(parts)
end
local sentences = {}
for i = 1, 6000 do
  local words = {}
  for j = 1, 4 + random(8) do words[j] = vocabulary[math.min(random(#vocabulary), random(#vocabulary))] end
  words[1] = words[1]:sub(1, 1):upper() .. words[1]:sub(2)
  sentences[i] = table.concat(words, " ") .. "."
end
local text = table.concat(sentences, "\n")
print("text", #text, checksum(text))

-- Word frequencies.
local count, order = {}, {}
for word in text:lower():gmatch("%a+") do
  if not count[word] then order[#order + 1] = word end
  count[word] = (count[word] or 0) + 1
end
table.sort(order, function(a, b)
  if count[a] ~= count[b] then return count[a] > count[b] end
  return a < b
end)
print("words", #order)
for i = 1, 8 do print(string.format("  %-16s %5d", order[i], count[order[i]])) end

-- Substitution by string, table and function, with captures, anchors and balanced brackets.
local swapped, swaps = text:gsub("(%a+) (%a+)", "%2 %1")
print("swap", swaps, checksum(swapped))
local numbered, n = text:gsub("%a+", function(word) return #word > 8 and "<" .. #word .. ">" or nil end)
print("long", n, checksum(numbered))
local named, m = text:gsub("%a+", { ka = "KA", lo = "LO", miren = "MIREN" })
print("named", m, checksum(named))
print("brackets", ("f(a(b)c)(d) g((x))"):gsub("%b()", function(s) return "[" .. #s .. "]" end))
print("frontier", ("THE (quick) fox"):find("%f[%a]%a+%f[%A]"), ("key = value"):match("^(%w+)%s*=%s*(%w+)$"))

-- Reversal, repetition, formats.
local lines = 0
for line in text:gmatch("[^\n]+") do
  lines = lines + (line:reverse():reverse() == line and 1 or 0)
end
print("lines", lines, checksum(("ab-"):rep(1000, "|")))
print(string.format("%5.2f|%-8s|%08x|%q|%e|%g|%i", 3.14159, "left", 48879, 'a "quote"\n', 12345.678, 1e100, -7))

-- Tables as matrices, queues and sets; unpack, move and concat.
local queue = { first = 1, last = 0 }
for i = 1, 50000 do
  queue.last = queue.last + 1
  queue[queue.last] = i * i % 1009
  if i % 3 == 0 then
    queue[queue.first] = nil
    queue.first = queue.first + 1
  end
end
local sum = 0
for i = queue.first, queue.last do sum = sum + queue[i] end
print("queue", queue.first, queue.last, sum)
local copy = table.move(order, 1, 10, 3, { "x", "y" })
print("move", #copy, table.concat(copy, ",", 1, 5), select("#", table.unpack(copy)))

-- Binary packing, UTF-8.
local packed = {}
for i = 1, 20000 do packed[i] = string.pack("<i4 d s1", i, i / 7, vocabulary[i % 400 + 1]) end
local blob, at, total, letters = table.concat(packed), 1, 0, 0
while at <= #blob do
  local i, d, s
  i, d, s, at = string.unpack("<i4 d s1", blob, at)
  total = total + i * d
  letters = letters + #s
end
print("pack", #blob, string.format("%.6f", total), letters)
local points = {}
for _, point in utf8.codes("aé€😀") do points[#points + 1] = point end
print("utf8", utf8.len("aé€😀"), table.concat(points, " "), utf8.char(955, 120))
