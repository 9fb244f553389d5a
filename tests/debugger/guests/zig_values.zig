// Zig: structures, slices, optionals, errors, enums.
//
// builds: O0 O0+speed
// not on: s390x-linux
//
// > break made
// > run
// > p count = 7
// > p real = 2.5
// > p point.x = 3
// > p array[2] = 30
// > p slice.len = 2
// > p slice.ptr[0] = 20
// gdb> p at.y = -4
// lldb> p at->y = -4
// > p color = green
// > break inside
// > continue
// > in zig_values.scale
// > p by = 10
// gdb> p of.x = 3
// lldb> p of->x = 3
// > p scaled.x = 30
// > exits 0

const std = @import("std");

const Point = struct { x: i32, y: i32 };
const Color = enum(u8) { red, green, blue };

noinline fn scale(of: *const Point, by: i32) Point {
    const scaled = Point{ .x = of.x * by, .y = of.y * by };
    std.mem.doNotOptimizeAway(&scaled); // @inside
    return scaled;
}

pub fn main() void {
    var count: u32 = 7;
    var real: f64 = 2.5;
    var point = Point{ .x = 3, .y = -4 };
    var array = [3]i32{ 10, 20, 30 };
    var slice: []i32 = array[1..];
    var color = Color.green;
    var at: *Point = &point;
    std.mem.doNotOptimizeAway(.{ &count, &real, &array, &slice, &color, &at }); // @made
    const scaled = scale(&point, 10);
    if (scaled.x != 30) @trap();
}
