// An uncaught exception below two calls: reported on standard error, exit status 1.
function inner(object) { return object.missing.field; }
function outer() { return inner({}); }
print("before");
outer();
print("never");
