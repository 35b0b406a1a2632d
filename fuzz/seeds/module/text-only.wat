;; a (; nested (; comment ;) ;)
(module $x "\00\ff" (@custom "component-type" "\00asm\0d\00\01\00") (func (export "run")) (memory (export "memory") 0))
