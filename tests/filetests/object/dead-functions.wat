;; A function that is translated wherever it is called has no code of its own, nor do those that nobody calls, even if they
;; call each other. What can be referred to has, whether anybody does or not, and so has what is called and too large to be
;; translated again.

(module
  (memory 1)
  (table 1 funcref)
  (func $inlined (param i32) (result i32) (i32.load (local.get 0)))
  (func $unused (call $unused_too))
  (func $unused_too (local i32) (loop (br_if 0 (local.tee 0 (i32.add (local.get 0) (i32.const 1))))) (call $unused))
  (func $called (result i32) (local i32)
    (loop (br_if 0 (local.tee 0 (i32.add (local.get 0) (i32.const 1)))))
    (local.get 0))
  (func $element)
  (func $start)
  (func $declared)
  (elem func $element)
  (elem declare func $declared)
  (start $start)
  (func (export "main") (param i32) (result i32)
    (i32.add (call $inlined (local.get 0)) (call $called))))

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
;;   section .data.wootz Data
;;   section .symtab Metadata
;;   section .strtab Metadata
;;   section .shstrtab Metadata
;;   symbol called Text Compilation in .text
;;   symbol element Text Compilation in .text
;;   symbol start Text Compilation in .text
;;   symbol declared Text Compilation in .text
;;   symbol main Text Compilation in .text
;;   symbol wootz_entry_0 Text Compilation in .text
;;   symbol wootz_entry_1 Text Compilation in .text
;;   symbol wootz_trap Text Compilation in .text
;;   symbol wootz_trap_cell Data Compilation in .data.wootz
;;   symbol wootz_module Data Dynamic in .rodata.wootz
;;   dynamic symbol wootz_module Data Dynamic in .rodata.wootz
;; object: X86_64 Relocatable
;;   section .text Text, 1 relocations
;;   section .rodata.wootz ReadOnlyData, 2 relocations
;;   section .bss.wootz UninitializedData
;;   section .rela.rodata.wootz Metadata
;;   section .rela.text Metadata
;;   section .eh_frame ReadOnlyData, 8 relocations
;;   section .rela.eh_frame Metadata
;;   section .note.wootz Note
;;   section .note.GNU-stack Other
;;   section .symtab Metadata
;;   section .strtab Metadata
;;   section .shstrtab Metadata
;;   symbol  Section Compilation in .text
;;   symbol  Section Compilation in .bss.wootz
;;   symbol wootz_trap_cell Data Compilation in .bss.wootz
;;   symbol called Text Compilation in .text
;;   symbol element Text Compilation in .text
;;   symbol start Text Compilation in .text
;;   symbol declared Text Compilation in .text
;;   symbol main Text Compilation in .text
;;   symbol wootz_entry_0 Text Compilation in .text
;;   symbol wootz_entry_1 Text Compilation in .text
;;   symbol wootz_trap Text Compilation in .text
;;   symbol wootz_module Data Dynamic in .rodata.wootz
