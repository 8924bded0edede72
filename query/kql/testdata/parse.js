// Reads a JSON array of queries and answers with the number of syntax errors that
// Microsoft's parser finds in each. KUSTO_LANGUAGE is the folder of the package
// @kusto/language-service-next.
const dir = process.env.KUSTO_LANGUAGE
require(dir + '/bridge.min.js')
require(dir + '/Kusto.Language.Bridge.min.js')
const queries = JSON.parse(require('fs').readFileSync(0, 'utf8'))
const out = queries.map((q) => {
  const list = Kusto.Language.KustoCode.Parse(q).GetSyntaxDiagnostics()
  return System.Array.getCount(list, Kusto.Language.Diagnostic)
})
process.stdout.write(JSON.stringify(out))
