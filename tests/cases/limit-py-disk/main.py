with open("/box/flood.bin", "wb", buffering=0) as file:
    while True:
        try:
            file.write(b"x" * 16_384)
        except Exception as error:
            print(type(error).__name__, getattr(error, "code", None))
