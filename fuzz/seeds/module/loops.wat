(module (memory (export "memory") 1) (func (export "run") (loop (loop (loop (loop (br 3)))))))
