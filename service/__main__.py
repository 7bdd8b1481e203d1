"""`python -m service` is `bifocal-service`."""

from service.cli import main

main()
