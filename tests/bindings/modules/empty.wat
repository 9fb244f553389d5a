;; Nothing is exported or imported.
(module)
