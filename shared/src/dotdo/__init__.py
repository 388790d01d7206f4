"""What two or more Workers use. Plain typed Python but for `dotdo.entry` and `dotdo.runtime`, which know the Workers runtime.

It is imported before a Worker's own package, and so before pydantic, which would search every installed package for plugins.
"""

import os

os.environ["PYDANTIC_DISABLE_PLUGINS"] = "__all__"
