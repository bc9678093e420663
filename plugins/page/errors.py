"""Error responses of the page: always a sentence and a remedy."""

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse
from starlette.exceptions import HTTPException

REMEDIES = {
    401: "Log in to Airflow.",
    403: "Ask for a role in Airflow that may read (or, for a button, trigger) the DAGs of Logsieve.",
    404: "Open the page Logs from Airflow's navigation.",
}


class PageError(Exception):
    """An error response: `message` has the cause, `remedy` says what to do."""

    def __init__(self, status: int, message: str, remedy: str) -> None:
        super().__init__(message)
        self.status, self.message, self.remedy = status, message, remedy


def handle(app: FastAPI) -> None:
    """Returns every error of the app as {"error", "remedy"}."""

    @app.exception_handler(PageError)
    def ours(_: Request, error: PageError) -> JSONResponse:
        return answer(error.status, error.message, error.remedy)

    @app.exception_handler(HTTPException)
    def airflow_s(_: Request, error: HTTPException) -> JSONResponse:
        return answer(error.status_code, f"{error.detail}.".replace("..", "."), REMEDIES.get(error.status_code, ""))

    @app.exception_handler(RequestValidationError)
    def invalid(_: Request, error: RequestValidationError) -> JSONResponse:
        # Location and reason, without the input.
        details = "; ".join(f"{'.'.join(map(str, each['loc'][1:]))}: {each['msg']}" for each in error.errors())
        return answer(422, details, "Reload the page. The requests are defined in plugins/page/routes.py.")


def answer(status: int, message: str, remedy: str) -> JSONResponse:
    """The error as {"error", "remedy"}."""
    return JSONResponse({"error": message, "remedy": remedy}, status)
