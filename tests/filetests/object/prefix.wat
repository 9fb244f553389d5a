;; Several modules can be linked into one program: their descriptors have different names.
;; options: prefix=plugin

(module (func $f (export "f")))

;; shared library: X86_64 Dynamic
;;   segment r--
;;   segment r-x
;;   segment rw-
;;   section .note.gnu.build-id Note
;;   section .note.wootz Note
;;   section .gnu.hash Unknown
;;   section .dynsym Metadata
;;   section .dynstr Metadata
;;   section .rodata.wootz ReadOnlyData
;;   section .eh_frame_hdr ReadOnlyData
;;   section .eh_frame ReadOnlyData
;;   section .text Text
;;   section .dynamic Metadata
;;   section .padding.relro UninitializedData
;;   section .symtab Metadata
;;   section .strtab Metadata
;;   section .shstrtab Metadata
;;   symbol f Text Compilation in .text
;;   symbol wootz_entry_0 Text Compilation in .text
;;   symbol wootz_module Data Dynamic in .rodata.wootz
;;   dynamic symbol wootz_module Data Dynamic in .rodata.wootz
;; object: X86_64 Relocatable
;;   section .text Text
;;   section .rodata.wootz ReadOnlyData, 1 relocations
;;   section .rela.rodata.wootz Metadata
;;   section .eh_frame ReadOnlyData, 3 relocations
;;   section .rela.eh_frame Metadata
;;   section .note.wootz Note
;;   section .note.GNU-stack Other
;;   section .symtab Metadata
;;   section .strtab Metadata
;;   section .shstrtab Metadata
;;   symbol  Section Compilation in .text
;;   symbol f Text Compilation in .text
;;   symbol wootz_entry_0 Text Compilation in .text
;;   symbol plugin_f Text Dynamic in .text
;;   symbol plugin_wootz_module Data Dynamic in .rodata.wootz
