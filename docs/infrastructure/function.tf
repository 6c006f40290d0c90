# The folder "asset" holds the bundle and node_modules: docs/deploy.md has the two commands.
data "archive_file" "site" {
  type        = "zip"
  source_dir  = "asset"
  output_path = "asset.zip"
}

resource "aws_lambda_function" "site" {
  function_name    = "site"
  role             = aws_iam_role.site.arn
  filename         = data.archive_file.site.output_path
  source_code_hash = data.archive_file.site.output_base64sha256
  handler          = "handler.handler"
  runtime          = "nodejs24.x"
  architectures    = ["arm64"]
  memory_size      = 512
  timeout          = 20

  environment {
    variables = {
      FACETHEORY_CACHE_TABLE_NAME = aws_dynamodb_table.isr.name
    }
  }
}

resource "aws_iam_role_policy" "isr" {
  role   = aws_iam_role.site.id
  policy = data.aws_iam_policy_document.isr.json
}
