"""tamis sorts a folder of pictures by example, and says how far to trust each answer.

>>> model = tamis.train("examples", by="color")
>>> plan = tamis.sort(model.predict("photos"), "sorted")
>>> plan
SortPlan(copy 6 files into 3 folders; below sorted)
>>> done = plan.apply()
>>> for hit in tamis.search("examples", tamis.open("test/sky").table.paths, k=2, by="color"):
...     print(hit.label)
sky
sky
"""

import lazy_loader as _lazy

__version__ = "0.1.0.dev0"

# The names and their modules stand in __init__.pyi; each is imported when it is asked for.
__getattr__, __dir__, _names = _lazy.attach_stub(__name__, __file__)
__all__ = [*_names, "__version__"]
