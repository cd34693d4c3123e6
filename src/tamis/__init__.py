"""tamis sorts a folder of pictures by example, and says how far to trust each answer.

>>> import tamis
>>> model = tamis.train("examples", by="color")  # doctest: +SKIP
>>> tamis.sort(model.predict("photos"), "sorted").apply()  # doctest: +SKIP
>>> for hit in tamis.search("photos", "query.jpg", k=20):  # doctest: +SKIP
...     print(hit.path, hit.distance)
"""

import lazy_loader as _lazy

__version__ = "0.1.0.dev0"

# The names and their modules stand in __init__.pyi; each is imported when it is asked for.
__getattr__, __dir__, _names = _lazy.attach_stub(__name__, __file__)
__all__ = [*_names, "__version__"]
