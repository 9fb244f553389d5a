-- Work for Lua: tables as arrays and as maps, objects with methods, closures, strings and patterns, numbers.

local random_state = 42
local function random(limit)
    random_state = (random_state * 1103515245 + 12345) % 2147483648
    return random_state // 65536 % limit
end

-- Objects with methods and inheritance.
local Account = {}
Account.__index = Account
function Account.new(owner) return setmetatable({owner = owner, balance = 0, log = {}}, Account) end
function Account:deposit(amount)
    self.balance = self.balance + amount
    self.log[#self.log + 1] = amount
end
function Account:total()
    local sum = 0
    for _, amount in ipairs(self.log) do sum = sum + amount end
    return sum
end
local Savings = setmetatable({}, {__index = Account})
Savings.__index = Savings
function Savings.new(owner)
    local self = Account.new(owner)
    self.rate = 3
    return setmetatable(self, Savings)
end
function Savings:deposit(amount) Account.deposit(self, amount + amount * self.rate // 100) end

local accounts = {}
for i = 1, 200 do accounts[i] = (i % 3 == 0 and Savings or Account).new("owner " .. i) end
for _ = 1, 300000 do accounts[random(200) + 1]:deposit(random(1000)) end
local sum = 0
for _, account in ipairs(accounts) do
    assert(account:total() == account.balance)
    sum = sum + account.balance
end
print("accounts", sum)

-- Words, counted and sorted.
local syllables = {"ka", "lo", "mi", "ner", "pu", "sta", "ve"}
local words = {}
for i = 1, 40000 do
    local parts = {}
    for j = 1, random(4) + 1 do parts[j] = syllables[random(#syllables) + 1] end
    words[i] = table.concat(parts)
end
local text = table.concat(words, " ")
local counts = {}
for word in text:gmatch("%a+") do counts[word] = (counts[word] or 0) + 1 end
local names = {}
for word in pairs(counts) do names[#names + 1] = word end
table.sort(names, function(a, b)
    if counts[a] ~= counts[b] then return counts[a] > counts[b] end
    return a < b
end)
print("words", #text, #names, names[1], counts[names[1]], names[#names])
local replaced, times = text:gsub("(st)(a)", "%2%1")
print("replaced", times, #replaced, text:find("punerkalo", 1, true), text:upper():sub(100, 120))

-- Closures and higher functions.
local function map(list, f)
    local result = {}
    for i, value in ipairs(list) do result[i] = f(value) end
    return result
end
local function compose(...)
    local functions = {...}
    return function(x)
        for _, f in ipairs(functions) do x = f(x) end
        return x
    end
end
local numbers = {}
for i = 1, 20000 do numbers[i] = i end
local step = compose(function(x) return x * 3 end, function(x) return x ~ 5 end, function(x) return x % 1000003 end)
for _ = 1, 8 do numbers = map(numbers, step) end
local checksum = 0
for _, number in ipairs(numbers) do checksum = (checksum * 31 + number) % 1000000007 end
print("closures", checksum)

-- Floating point: a plane of points.
local inside = 0
for y = 0, 149 do
    for x = 0, 149 do
        local cr, ci, r, i, n = x / 50 - 2, y / 50 - 1.5, 0.0, 0.0, 0
        while r * r + i * i < 4 and n < 40 do
            r, i = r * r - i * i + cr, 2 * r * i + ci
            n = n + 1
        end
        inside = inside + n
    end
end
print("points", inside)

-- A heap, as a queue of priorities.
local heap, size = {}, 0
local function push(value)
    size = size + 1
    local at = size
    while at > 1 and heap[at // 2] > value do
        heap[at] = heap[at // 2]
        at = at // 2
    end
    heap[at] = value
end
local function pop()
    local top, last = heap[1], heap[size]
    heap[size] = nil
    size = size - 1
    local at = 1
    while 2 * at <= size do
        local child = 2 * at
        if child < size and heap[child + 1] < heap[child] then child = child + 1 end
        if heap[child] >= last then break end
        heap[at] = heap[child]
        at = child
    end
    if size > 0 then heap[at] = last end
    return top
end
for _ = 1, 20000 do push(random(32768)) end
local order, before = 0, -1
for i = 1, 20000 do
    local value = pop()
    assert(value >= before)
    before = value
    order = (order + i * value) % 1000000007
end
print("heap", order)

-- Queens on a board, by recursion.
local function queens(n, row, columns, left, right)
    if row == n then return 1 end
    local ways = 0
    for column = 0, n - 1 do
        local l, r = row + column, row - column + n
        if not columns[column] and not left[l] and not right[r] then
            columns[column], left[l], right[r] = true, true, true
            ways = ways + queens(n, row + 1, columns, left, right)
            columns[column], left[l], right[r] = nil, nil, nil
        end
    end
    return ways
end
print("queens", queens(8, 0, {}, {}, {}))
