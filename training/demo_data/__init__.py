"""The demo set: the listings of an invented second-hand shop, drawn and written by this package.

Every row is a picture, a caption, tags and a label that joins the condition to the thing, as in `used_mug`.

- The picture alone settles the **thing** (mug, lamp, shoe or bag) and never shows its condition. Each thing
  has two designs in ten colours, turned, leaning, mirrored, large or small, before walls and tables with clutter.
- The caption alone settles the **condition** (new, used or broken) in over a hundred phrases, amid colours, sizes,
  prices and small talk. 4 % of the captions are German and 3 % Japanese. About 6 % name a thing, a few of those the
  wrong one.
- The tags (a colour, "gift", "pickup only", ...) are weak hints at either, and a tenth of the rows have none.

So the picture or the words alone give about a third of the answers, and both together nearly all of them.

Not quite all, on purpose. In 2 % of the pictures wrapping paper hides most of the thing, and in another 12 %
a scarf, box or leaf hides an edge of it. 1.5 % of the captions don't tell the condition and 0.5 % tell a wrong
one. 12 % have a typo in one word, but 60 % tell the condition twice.

Thing, condition and colour are independent of one another. Labels are not equally frequent: the rarest has
two thirds of the rows of the most frequent.
"""

from training.demo_data.writing import DemoSet, write_demo_set

__all__ = ["DemoSet", "write_demo_set"]
