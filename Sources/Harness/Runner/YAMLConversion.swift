import Kernel
import Vocabulary

/// YAML as people write it, made JSON by this machine's Python, where that has its yaml.
package struct YAMLConversion {
    let session: Session

    package init(in session: Session) { self.session = session }

    /// Aliases of aliases may be as much as they like: they end here.
    private static let memoryLimitInBytes = 512 << 20
    private static let patience = Duration.seconds(60)

    /// Of version 1.2, as Compose and Kubernetes read it: `no` is a text, `22:22` is none of minutes, a date is a text; and so is any number but a
    /// plain whole one, so that it stays as it was written.
    private static let python = #"""
        import json, re, sys, yaml
        class Loader(yaml.SafeLoader):
            def construct_mapping(self, node, deep=False):
                seen = set()
                for key, _ in node.value:
                    if not isinstance(key, yaml.ScalarNode):
                        raise yaml.constructor.ConstructorError(None, None, "a key is no text", key.start_mark)
                    if key.value in seen and key.tag != "tag:yaml.org,2002:merge":
                        raise yaml.constructor.ConstructorError(None, None, "the key '%s' is there twice" % key.value, key.start_mark)
                    seen.add(key.value)
                self.flatten_mapping(node)
                return {key.value: self.construct_object(value, deep=True) for key, value in node.value}
        def override(loader, node):
            if isinstance(node, yaml.MappingNode):
                return loader.construct_mapping(node, deep=True)
            if isinstance(node, yaml.SequenceNode):
                return loader.construct_sequence(node, deep=True)
            return loader.construct_scalar(node)
        Loader.add_constructor("!override", override)
        Loader.add_constructor("!reset", lambda loader, node: None)
        Loader.yaml_implicit_resolvers = {}
        for kind, form, first in [
            ("bool", r"^(?:true|True|TRUE|false|False|FALSE)$", "tTfF"),
            ("int", r"^[-+]?(?:0|[1-9][0-9]{0,17})$", "-+0123456789"),
            ("null", r"^(?:~|null|Null|NULL|)$", ["~", "n", "N", ""]),
            ("merge", r"^<<$", "<"),
        ]:
            Loader.add_implicit_resolver("tag:yaml.org,2002:" + kind, re.compile(form), list(first))
        try:
            for piece in json.JSONEncoder(default=lambda value: value.decode()).iterencode(list(yaml.load_all(sys.stdin.buffer, Loader))):
                sys.stdout.write(piece)
        except (yaml.YAMLError, RecursionError, ValueError, TypeError, AttributeError) as error:
            print("\nno-yaml " + " ".join(str(error).split()))
        """#

    private static let script = #"""
        if python3 -I -c 'import yaml' 2> /dev/null; then python3 -I -c "$1" < /input | head -c 8000000
        else echo no-converter
        fi
        """#

    /// Every document in a file, as one list in JSON; nil: this machine has nothing to make it with.
    ///
    /// Blocks meanwhile. The program runs in a container that can change nothing of the host.
    ///
    /// - Parameter file: of the host.
    /// - Throws: `CannotRun`: the file is no YAML, or the session cannot run containers.
    package func json(of file: String) throws -> [UInt8]? {
        let (session, path) = (session, Files.realPath(file) ?? file)
        let said = try session.onOwnThread {
            try ToolContainer(
                session: session, memoryLimitInBytes: YAMLConversion.memoryLimitInBytes,
                patience: YAMLConversion.patience
            ).run(YAMLConversion.script, [YAMLConversion.python], input: path)
        }
        if said.hasPrefix("no-converter") { return nil }
        let lines = said.split(separator: "\n")
        if let complaint = lines.first(where: { $0.hasPrefix("no-yaml ") }) {
            throw CannotRun(
                reason: "it is no YAML: \(String(complaint.dropFirst("no-yaml ".count)).bounded.printable)", remedy: "")
        }
        let text = lines.first.map(String.init) ?? ""
        guard text.hasPrefix("["), text.hasSuffix("]") else {
            throw CannotRun(
                reason: "it makes more than 8 MB of JSON, or more than its converter can bear", remedy: "")
        }
        return Array(text.utf8)
    }
}
