//! Makes a tree of directories, walks it, changes it, takes it down again: `walk make|list|change|remove`.
//!
//! Each command works on the tree `garden` in the current directory and prints what it sees, sorted by path, because the
//! order of directory entries is the file system's own. All of it goes through Zig's standard library, which calls the
//! system without a C library, on both sides.

const std = @import("std");
const Dir = std.fs.Dir;

const tree = "garden";
/// A day in 2009, at which the files that `make` writes are set: a whole number of seconds, in nanoseconds.
const planted: i128 = 1234567890 * std.time.ns_per_s;

const Command = enum { make, list, change, remove };

pub fn main() !void {
    var arena: std.heap.ArenaAllocator = .init(std.heap.page_allocator);
    defer arena.deinit();
    const allocator = arena.allocator();

    var buffer: [4096]u8 = undefined;
    var output = std.fs.File.stdout().writerStreaming(&buffer);
    const out = &output.interface;
    defer out.flush() catch {};

    const arguments = try std.process.argsAlloc(allocator);
    const command = if (arguments.len == 2) std.meta.stringToEnum(Command, arguments[1]) else null;
    switch (command orelse {
        std.debug.print("usage: walk make|list|change|remove\n", .{});
        std.process.exit(2);
    }) {
        .make => try make(out),
        .list => try list(allocator, out),
        .change => try change(out),
        .remove => try remove(out),
    }
}

fn make(out: *std.Io.Writer) !void {
    var cwd = std.fs.cwd();
    try cwd.makePath(tree ++ "/beds/north/herbs");
    try cwd.makePath(tree ++ "/beds/south");
    try cwd.makeDir(tree ++ "/shed");
    var garden = try cwd.openDir(tree, .{ .iterate = true });
    defer garden.close();

    try plant(garden, "plan.txt", "beds in the sun, shed in the shade\n");
    try plant(garden, "beds/north/herbs/thyme", "thyme, lemon thyme\n");
    try plant(garden, "beds/north/herbs/mint", "");
    try plant(garden, "beds/south/ein Kürbis", "a name with a blank and an umlaut\n");

    // A file that is longer than one read, and one with a hole.
    {
        var file = try garden.createFile("shed/rows.bin", .{});
        defer file.close();
        var row: [997]u8 = undefined;
        for (0..300) |number| {
            for (&row, 0..) |*byte, at| byte.* = @truncate(number *% 31 +% at);
            try file.writeAll(&row);
        }
        try file.updateTimes(planted, planted);
    }
    {
        var file = try garden.createFile("shed/hole.bin", .{});
        defer file.close();
        try file.pwriteAll("far away", 100_000);
        try file.setEndPos(120_000);
        try file.updateTimes(planted, planted);
    }
    // Enough entries that a directory is read in several pieces.
    var many = try garden.makeOpenPath("shed/pots", .{});
    defer many.close();
    var name: [32]u8 = undefined;
    for (0..150) |number| {
        try plant(many, try std.fmt.bufPrint(&name, "pot-number-{d:0>3}", .{number}), "earth");
    }

    try garden.symLink("../plan.txt", "shed/plan", .{});
    try garden.symLink("beds/north/herbs", "herbs", .{ .is_directory = true });
    try garden.symLink("nowhere/at/all", "dangling", .{});
    try out.print("made {s}\n", .{tree});

    // What must be refused, and as what.
    try refused(out, "make a directory twice", garden.makeDir("shed"));
    try refused(out, "make one below nothing", garden.makeDir("greenhouse/glass"));
    try refused(out, "create what exists", plantExclusive(garden, "plan.txt"));
    try refused(out, "open nothing", garden.access("compost", .{}));
    try refused(out, "go through a file", garden.access("plan.txt/roots", .{}));
    try refused(out, "follow a dangling link", garden.access("dangling", .{}));
    try refused(out, "read a file as a link", readAsLink(garden, "plan.txt"));
    try refused(out, "link over a file", garden.symLink("shed", "plan.txt", .{}));
}

/// Writes a file and sets its times.
fn plant(dir: Dir, path: []const u8, text: []const u8) !void {
    var file = try dir.createFile(path, .{});
    defer file.close();
    try file.writeAll(text);
    try file.updateTimes(planted, planted);
}

fn plantExclusive(dir: Dir, path: []const u8) !void {
    var file = try dir.createFile(path, .{ .exclusive = true });
    file.close();
}

fn readAsLink(dir: Dir, path: []const u8) !void {
    var buffer: [std.fs.max_path_bytes]u8 = undefined;
    _ = try dir.readLink(path, &buffer);
}

fn refused(out: *std.Io.Writer, what: []const u8, result: anyerror!void) !void {
    if (result) {
        try out.print("  {s}: NOT REFUSED\n", .{what});
    } else |err| {
        try out.print("  {s}: {s}\n", .{ what, @errorName(err) });
    }
}

fn list(allocator: std.mem.Allocator, out: *std.Io.Writer) !void {
    var garden = try std.fs.cwd().openDir(tree, .{ .iterate = true });
    defer garden.close();
    var lines: std.ArrayList([]const u8) = .empty;
    var walker = try garden.walk(allocator);
    defer walker.deinit();
    while (try walker.next()) |entry| {
        try lines.append(allocator, try describe(allocator, garden, entry));
    }
    std.mem.sort([]const u8, lines.items, {}, before);
    for (lines.items) |line| try out.print("{s}\n", .{line});
    try out.print("{d} entries\n", .{lines.items.len});
}

fn before(_: void, a: []const u8, b: []const u8) bool {
    return std.mem.lessThan(u8, a, b);
}

/// One line about one entry: what it is, what it holds, and that all ways of asking agree.
fn describe(allocator: std.mem.Allocator, garden: Dir, entry: Dir.Walker.Entry) ![]const u8 {
    switch (entry.kind) {
        .directory => {
            const stat = try garden.statFile(entry.path);
            return std.fmt.allocPrint(allocator, "{s}/ {s}", .{ entry.path, @tagName(stat.kind) });
        },
        .sym_link => {
            var buffer: [std.fs.max_path_bytes]u8 = undefined;
            const target = try garden.readLink(entry.path, &buffer);
            const behind = if (garden.statFile(entry.path)) |stat| @tagName(stat.kind) else |err| @errorName(err);
            return std.fmt.allocPrint(allocator, "{s} -> {s} ({s})", .{ entry.path, target, behind });
        },
        .file => {
            // By its own name in the directory it was found in, not by the path from the top.
            var file = try entry.dir.openFile(entry.basename, .{});
            defer file.close();
            const stat = try file.stat();
            const content = try file.readToEndAlloc(allocator, 1 << 20);
            const text = try std.fmt.allocPrint(allocator, "{s} {s} {d} bytes, {x:0>8}, changed at {d}", .{
                entry.path,
                @tagName(stat.kind),
                stat.size,
                std.hash.Crc32.hash(content),
                @divTrunc(stat.mtime, std.time.ns_per_s),
            });
            if (content.len != stat.size) return error.SizeIsNotLength;
            return text;
        },
        else => return std.fmt.allocPrint(allocator, "{s} {s}", .{ entry.path, @tagName(entry.kind) }),
    }
}

fn change(out: *std.Io.Writer) !void {
    var garden = try std.fs.cwd().openDir(tree, .{ .iterate = true });
    defer garden.close();
    var shed = try garden.openDir("shed", .{});
    defer shed.close();

    try garden.rename("beds/south", "beds/southwest");
    try garden.rename("plan.txt", "beds/plan.txt");
    try std.fs.rename(shed, "rows.bin", garden, "beds/north/rows.bin");
    // Onto a file that is there, which is gone then.
    try garden.rename("beds/north/herbs/thyme", "beds/north/herbs/mint");
    try garden.deleteFile("dangling");
    try garden.deleteTree("shed/pots");
    // Through the link, into the directory behind it.
    try plant(garden, "herbs/sage", "sage\n");
    {
        var file = try garden.openFile("beds/north/herbs/mint", .{ .mode = .read_write });
        defer file.close();
        try file.seekFromEnd(0);
        try file.writeAll("and mint\n");
        try file.pwriteAll("THYME", 0);
        try file.updateTimes(planted, planted + 5 * std.time.ns_per_s);
    }
    {
        var file = try garden.openFile("shed/hole.bin", .{ .mode = .read_write });
        defer file.close();
        try file.setEndPos(100_003);
        try file.updateTimes(planted, planted);
    }
    try out.print("changed {s}\n", .{tree});

    try refused(out, "delete a full directory", garden.deleteDir("beds"));
    try refused(out, "delete a file as a directory", garden.deleteDir("beds/plan.txt"));
    try refused(out, "delete what is gone", garden.deleteFile("dangling"));
    try refused(out, "rename what is gone", garden.rename("plan.txt", "plan"));
    try refused(out, "rename a directory onto a full one", garden.rename("shed", "beds"));
}

fn remove(out: *std.Io.Writer) !void {
    var cwd = std.fs.cwd();
    try cwd.deleteTree(tree);
    try out.print("removed {s}\n", .{tree});
    try refused(out, "open it", cwd.access(tree, .{}));
    // What is gone already is no reason to complain.
    try cwd.deleteTree(tree);
}
