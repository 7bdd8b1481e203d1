"""The models that are served.

folder.py       what lies in the models folder
fingerprint.py  whether a version's files have changed
opener.py       a version's directory -> what answers for it
served.py       a version in memory, and who holds it
shelf.py        what is loaded: leases, swaps, putting away
versions.py     what is known of one model's versions
pins.py         what people have chosen, on disk
loader.py       from the folder to the shelf
choices.py      what people choose, loaded if it must be
poller.py       a thread that looks again and again
store.py        all of it together
"""

from service.store.folder import find
from service.store.served import Served
from service.store.store import Store

__all__ = ["Served", "Store", "find"]
