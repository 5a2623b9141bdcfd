import Harness

/// The command line of `harness import`, read.
struct ImportOptions {
    private(set) var file: String?
    private(set) var output: String?
    private(set) var engine: String?
    private(set) var image: String?

    init(_ arguments: [String]) throws(BadUsage) {
        try ImportOptions.table.read(arguments, into: &self)
        if file == nil { throw BadUsage(message: "what is to be imported: a file, or '-'") }
    }

    static let table = OptionTable<ImportOptions>(
        verb: "import",
        options: [
            Option("--output", "-o", takes: "FILE", "where the scenarios go to (default: standard output)") {
                $0.output = $1
            },
            Option(
                "--engine", takes: "docker|podman", choices: ["docker", "podman"],
                "who has the images (default: the document's engine, else docker)"
            ) {
                $0.engine = $1
            },
            Option("--image", takes: "IMAGE", "the image of each container, in place of the one that is named") {
                $0.image = $1
            },
        ],
        operand: { (options, word) throws(BadUsage) in
            if let first = options.file { throw BadUsage(message: "'\(first)' and '\(word)': one document at a time") }
            options.file = word
        })
}
