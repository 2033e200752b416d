"""Parts of kept pictures at full size, for whoever looks at them closely."""

from __future__ import annotations

from typing import Any

from fastapi import APIRouter, Response

from tinct.db.artifacts import PICTURE
from tinct.errors import OptionError
from tinct.web import schemas
from tinct.web.api.common import Decoders, Id, Surroundings, User, binary, options_of
from tinct.web.api.pictures import ask, jpeg

router = APIRouter(prefix="/pictures", tags=["pictures"])
MOST_PIXELS = 10_000_000
"""Of a region as it is shown."""


@router.post("/{id}/region", summary="See a part at full size", responses=binary("image/jpeg"), response_class=Response)
def region(id: Id, given: schemas.Region, context: Surroundings, sandboxes: Decoders, user: User) -> Response:
    """Return a part of a picture as JPEG, pixel for pixel or smaller: in color as `look` says, without it as it is."""
    picture = context.repository.artifacts.get(user, id, PICTURE)
    width, height = picture.facts["width"], picture.facts["height"]
    if given.x + given.width > width or given.y + given.height > height:
        raise OptionError(f"the region reaches out of the picture, which has {width} x {height} pixels")
    sides = [side * given.scale for side in (given.width, given.height)]
    if sides[0] * sides[1] > MOST_PIXELS:
        raise OptionError(f"the region has more than {MOST_PIXELS:,} pixels; ask for a smaller one, or scale it")
    if min(sides) < 1:
        raise OptionError("the region is scaled to nothing; ask for a larger one")
    more: dict[str, Any] = {
        "options": {},
        "colored": given.look is not None,
        "box": [given.x, given.y, given.width, given.height],
        "scale": given.scale,
    }
    model = None
    if given.look is not None:
        model = given.look.model
        more["options"] = options_of(given.look, context.repository.artifacts.hints(user, id))
    return jpeg(ask(context, sandboxes, user, id, model, "region", full=True, **more))
