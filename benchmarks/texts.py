"""What runs say: the words of the generated rows."""

MESSAGES = (
    "Fetched {n} rows from orders in {m} ms",
    "Cache hit for customer {n}",
    "Uploaded part {m} of archive {n}",
    "Retrying request {n} after {m} ms",
    "주문 {n} 처리 완료, 소요 시간 {m} ms",
    "Größe der Datei {n}: {m} kB",
    "Заказ {n} обработан за {m} мс",
    "注文 {n} を {m} ms で処理しました",
    "progress {m}% of table partition_{n}",
    "GET /api/v1/items/{n} 200 {m}ms",
)
ERRORS = (
    "Connection to warehouse {m} was refused: no route to host",
    "Timed out after {m} s waiting for lock on partition_{n}",
    "파일 {n} 을 찾을 수 없습니다",
    "KeyError: 'customer_{n}' while joining invoices with payments, chunk {m}",
    "Der Prüfbetrag {n} stimmt nicht mit {m} überein",
)
ERROR_TAIL = (
    " | Traceback: File pipeline/steps/load.py, line {m}, in run_partition; File pipeline/warehouse.py, line {n},"
    " in execute; the transaction was rolled back and the step may be retried once the cause is gone"
)
NAMESPACES = ("default", "default", "billing", "search", "machine-learning", "operations")
ARCHIVE = "archive"
"""The namespace of a workflow that ran in the first month only, and never since."""
RARE = "yearly"
"""The name of a workflow that ran a few times."""
REGIONS = ("eu", "us", "ap")
STEP_NAMES = ("extract", "clean", "join", "enrich", "train", "score", "publish", "notify", "audit", "archive")
