"""``python -m bridge`` is ``genlock``."""

from bridge.cli import main

if __name__ == "__main__":
    main()
