;; The sections and symbols of both files: nothing undefined, no relocations in the library, one global symbol.

(module
  (memory (export "memory") 1)
  (data (i32.const 0) "an image")
  (func $add (export "add") (param i32 i32) (result i32) (i32.add (local.get 0) (local.get 1))))

;; shared library: X86_64 Dynamic
;;   segment r--
;;   segment r-x
;;   segment r--
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
;;   section .rodata.wootz.image ReadOnlyData
;;   section .dynamic Metadata
;;   section .padding.relro UninitializedData
;;   section .symtab Metadata
;;   section .strtab Metadata
;;   section .shstrtab Metadata
;;   symbol add Text Compilation in .text
;;   symbol wootz_entry_0 Text Compilation in .text
;;   symbol wootz_module Data Dynamic in .rodata.wootz
;;   dynamic symbol wootz_module Data Dynamic in .rodata.wootz
;; object: X86_64 Relocatable
;;   section .text Text
;;   section .rodata.wootz ReadOnlyData, 2 relocations
;;   section .rodata.wootz.image ReadOnlyData
;;   section .rela.rodata.wootz Metadata
;;   section .eh_frame ReadOnlyData, 2 relocations
;;   section .rela.eh_frame Metadata
;;   section .note.wootz Note
;;   section .note.GNU-stack Other
;;   section .symtab Metadata
;;   section .strtab Metadata
;;   section .shstrtab Metadata
;;   symbol  Section Compilation in .text
;;   symbol  Section Compilation in .rodata.wootz.image
;;   symbol add Text Compilation in .text
;;   symbol wootz_entry_0 Text Compilation in .text
;;   symbol wootz_module Data Dynamic in .rodata.wootz
