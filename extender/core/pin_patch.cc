// SPDX-License-Identifier: Apache-2.0
// The JSON patches of pinning.h, and the time for them.
#include <algorithm>

#include "absl/strings/str_cat.h"
#include "common/pure/absl_view.h"
#include "common/pure/json_writer.h"
#include "common/pure/names.h"
#include "extender/core/pinning.h"

namespace pmem::extender {
namespace {

// RFC 6901: '/' in a key is "~1".
std::string AnnotationPath(std::string_view key) {
  std::string path = "/metadata/annotations/";
  for (const char c : key) path += c == '/' ? std::string("~1") : std::string(1, c);
  return path;
}

std::string Operation(std::string_view op, std::string_view path, std::string_view json_value) {
  return absl::StrCat(R"({"op":")", AbslView(op), R"(","path":")", AbslView(path), R"(","value":)",
                      AbslView(json_value), "}");
}

}  // namespace

absl::Duration PinDeadlineBesideOthers(const LedgerOptions& options, absl::Duration lead_gap) {
  return lead_gap + options.takeover_window - options.hold_grace;
}

PinTimes PinTimesOf(const LedgerOptions& options, absl::Duration lead_gap) {
  const absl::Duration deadline =
      std::min({PinTimes::kDeadline, (options.hold_ttl - options.hold_grace) / 2,
                PinDeadlineBesideOthers(options, lead_gap)});
  return {.standing = deadline + options.hold_grace, .deadline = deadline};
}

std::string PinPatch(const Pin& pin) {
  std::string patch = absl::StrCat(
      "[", Operation("test", "/metadata/uid", JsonQuoted(pin.claim.meta.uid)), ",",
      Operation("test", "/metadata/resourceVersion", JsonQuoted(pin.claim.meta.resource_version)));
  const auto add = [&patch](const std::string& operation) {
    absl::StrAppend(&patch, ",", operation);
  };
  if (pin.needs_provisioner) {
    add(Operation("test", AnnotationPath(kStorageProvisionerAnnotation), JsonQuoted(kDriverName)));
  }
  if (pin.claim.has_annotations) {
    // To provisioners an empty one is none; to a test of JSON patch it is there.
    const std::string_view none = pin.claim.has_empty_selected_node ? "\"\"" : "null";
    add(Operation("test", AnnotationPath(kSelectedNodeAnnotation), none));
  } else {
    add(Operation("test", "/metadata/annotations", "null"));
    add(Operation("add", "/metadata/annotations", "{}"));
  }
  add(Operation("add", AnnotationPath(kSelectedNodeAnnotation), JsonQuoted(pin.node)));
  add(Operation("add", AnnotationPath(kPinnedByAnnotation),
                JsonQuoted(absl::StrCat(AbslView(kPinnedByUsTo), pin.node))));
  return patch + "]";
}

std::string UnpinPatch(const Unpin& unpin) {
  std::string patch = absl::StrCat(
      "[", Operation("test", "/metadata/uid", JsonQuoted(unpin.claim.meta.uid)), ",",
      Operation("test", AnnotationPath(kSelectedNodeAnnotation), JsonQuoted(unpin.node)), ",",
      Operation("test", "/spec/volumeName", "null"), R"(,{"op":"remove","path":")",
      AnnotationPath(kSelectedNodeAnnotation), R"("})");
  if (unpin.claim.is_pinned_by_us) {
    absl::StrAppend(&patch, R"(,{"op":"remove","path":")", AnnotationPath(kPinnedByAnnotation),
                    R"("})");
  }
  return patch + "]";
}

}  // namespace pmem::extender
