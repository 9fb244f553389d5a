;; A module without anything has a descriptor nevertheless.

(module)

;; shared library: X86_64 Dynamic
;;   segment r--
;;   segment rw-
;;   section .note.gnu.build-id Note
;;   section .note.wootz Note
;;   section .gnu.hash Unknown
;;   section .dynsym Metadata
;;   section .dynstr Metadata
;;   section .rodata.wootz ReadOnlyData
;;   section .dynamic Metadata
;;   section .padding.relro UninitializedData
;;   section .symtab Metadata
;;   section .strtab Metadata
;;   section .shstrtab Metadata
;;   symbol wootz_module Data Dynamic in .rodata.wootz
;;   dynamic symbol wootz_module Data Dynamic in .rodata.wootz
;; object: X86_64 Relocatable
;;   section .rodata.wootz ReadOnlyData
;;   section .note.wootz Note
;;   section .note.GNU-stack Other
;;   section .symtab Metadata
;;   section .strtab Metadata
;;   section .shstrtab Metadata
;;   symbol wootz_module Data Dynamic in .rodata.wootz
