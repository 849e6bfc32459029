"""What a request may be. Everything that is decided about requests stands here, as data."""

from claude_gateway.api.contract.admission import admit, prepare
from claude_gateway.api.contract.headers import request_betas
from claude_gateway.api.contract.models import Models
from claude_gateway.api.contract.rejection import Rejection
from claude_gateway.api.contract.routes import Route

__all__ = ["Models", "Rejection", "Route", "admit", "prepare", "request_betas"]
