// SPDX-License-Identifier: Apache-2.0
// What objects come in: lists, their items, events of a watch, failures.
#include <gtest/gtest.h>

#include <string>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "extender/core/kube_decode.h"

namespace pmem::extender {
namespace {

std::string Message(const absl::Status& status) { return std::string(status.message()); }

TEST(KubeDecode, OneBadObjectDoesNotLoseTheOthersOfItsList) {
  const absl::StatusOr<DecodedList<Claim>> list = DecodeList<Claim>(R"({"kind":"List",
    "metadata":{"resourceVersion":"50","continue":"token"},
    "items":[{"metadata":{"name":"a"}},
             {"metadata":{"name":"b","namespace":"x"},"spec":{"volumeName":5}},
             {"metadata":{"name":"c"}}]})");
  ASSERT_TRUE(list.ok()) << list.status();
  EXPECT_EQ(list->objects, (std::vector<Claim>{{.meta = {.key = {.name = "a"}}},
                                               {.meta = {.key = {.name = "c"}}}}));
  EXPECT_EQ(list->resource_version, "50");
  EXPECT_EQ(list->continue_token, "token");
  ASSERT_EQ(list->errors.size(), 1u);
  EXPECT_TRUE(absl::StartsWith(list->errors[0].message(), "x/b: ")) << list->errors[0];
  EXPECT_TRUE(absl::StrContains(Message(list->errors[0]), "spec.volumeName"));
}

TEST(KubeDecode, AListWithoutItemsIsEmpty) {
  EXPECT_TRUE(
      DecodeList<Node>(R"({"metadata":{"resourceVersion":"1"},"items":null})")->objects.empty());
}

TEST(KubeDecode, EventCarriesObjectAndVersion) {
  const absl::StatusOr<DecodedEvent<StorageClass>> event = DecodeWatchEvent<StorageClass>(
      R"({"type":"MODIFIED","object":{"metadata":{"name":"s","resourceVersion":"8"}}})");
  ASSERT_TRUE(event.ok()) << event.status();
  EXPECT_EQ(event->type, WatchEventType::kModified);
  EXPECT_EQ(event->resource_version, "8");
  EXPECT_EQ(event->object->meta.key.name, "s");
}

TEST(KubeDecode, ABadObjectInAnEventStillAdvancesTheVersion) {
  const absl::StatusOr<DecodedEvent<StorageClass>> event = DecodeWatchEvent<StorageClass>(
      R"({"type":"ADDED","object":{"metadata":{"name":"s","resourceVersion":"8"},"provisioner":1}})");
  ASSERT_TRUE(event.ok()) << event.status();
  EXPECT_EQ(event->resource_version, "8");
  EXPECT_EQ(event->object.status().code(), absl::StatusCode::kInvalidArgument);
}

TEST(KubeDecode, OfOneThatWasDeletedTheNameIsEnough) {
  const absl::StatusOr<DecodedEvent<StorageClass>> event = DecodeWatchEvent<StorageClass>(
      R"({"type":"DELETED","object":{"metadata":{"name":"s","uid":"u"},"provisioner":1}})");
  ASSERT_TRUE(event.ok()) << event.status();
  ASSERT_TRUE(event->object.ok()) << event->object.status();
  EXPECT_EQ(event->object->meta.key.name, "s");
  EXPECT_EQ(event->object->meta.uid, "u");
}

TEST(KubeDecode, WhatIsLongerThanALineMayBeIsNotRead) {
  std::string event = R"({"type":"ADDED","object":{"metadata":{"name":"s"}}})";
  std::string item = R"({"metadata":{"name":"s"}})";
  for (std::string* const line : {&event, &item}) line->resize(kWatchLineBytesMax, ' ');
  EXPECT_TRUE(DecodeWatchEvent<StorageClass>(event).ok());
  EXPECT_FALSE(DecodeWatchEvent<StorageClass>(event + " ").ok());
  EXPECT_TRUE(DecodeItem<StorageClass>(item).ok());
  EXPECT_FALSE(DecodeItem<StorageClass>(item + " ").ok());
}

TEST(KubeDecode, ABookmarkCarriesAVersion) {
  const auto bookmark = DecodeWatchEvent<Node>(
      R"({"type":"BOOKMARK","object":{"kind":"Node","metadata":{"resourceVersion":"12"}}})");
  ASSERT_TRUE(bookmark.ok()) << bookmark.status();
  EXPECT_EQ(bookmark->type, WatchEventType::kBookmark);
  EXPECT_EQ(bookmark->resource_version, "12");
}

TEST(KubeDecode, AnItemThatIsNoObjectOfItsKindIsNamedAndOneThatIsNoJsonIsAnError) {
  const auto good = DecodeItem<StorageClass>(R"({"metadata":{"name":"s"}})");
  ASSERT_TRUE(good.ok()) << good.status();
  EXPECT_EQ(good->object->meta.key.name, "s");
  const auto bad = DecodeItem<StorageClass>(R"({"metadata":{"name":"s"},"provisioner":1})");
  ASSERT_TRUE(bad.ok()) << bad.status();
  EXPECT_TRUE(absl::StartsWith(bad->object.status().message(), "s: ")) << bad->object.status();
  EXPECT_EQ(DecodeItem<StorageClass>("{]").status().code(), absl::StatusCode::kInvalidArgument);
}

TEST(KubeDecode, ErrorEventCarriesTheFailure) {
  const absl::StatusOr<DecodedEvent<Node>> event = DecodeWatchEvent<Node>(
      R"({"type":"ERROR","object":{"kind":"Status","code":504,"reason":"Timeout","message":"later",)"
      R"("details":{"retryAfterSeconds":2,"causes":[{"reason":"ResourceVersionTooLarge"}]}}})");
  ASSERT_TRUE(event.ok()) << event.status();
  EXPECT_EQ(event->failure, (ApiFailure{.code = 504,
                                        .reason = "Timeout",
                                        .message = "later",
                                        .is_too_large_version = true,
                                        .retry_after = absl::Seconds(2)}));
}

TEST(KubeDecode, ALineThatIsNoEventIsAnError) {
  for (const char* line : {"", "x", "[]", "{}", R"({"type":"SHOUTED","object":{}})",
                           R"({"type":"ADDED"})", R"({"type":"ADDED","object":{}})"}) {
    SCOPED_TRACE(line);
    EXPECT_EQ(DecodeWatchEvent<Node>(line).status().code(), absl::StatusCode::kInvalidArgument);
  }
}

TEST(KubeDecode, FailureKeepsTheHttpStatusWhateverTheBody) {
  EXPECT_EQ(DecodeFailure(502, "<html>"), (ApiFailure{.code = 502}));
  EXPECT_EQ(DecodeFailure(403, R"({"code":"x"})"), (ApiFailure{.code = 403}));
  EXPECT_EQ(DecodeFailure(403, R"({"kind":"Status","code":"x"})"), (ApiFailure{.code = 403}));
  EXPECT_EQ(DecodeFailure(410, R"({"kind":"Status","code":400,"reason":"Expired"})"),
            (ApiFailure{.code = 410, .reason = "Expired"}));
}

TEST(KubeDecode, OnlyAStatusIsTheApiServersWord) {
  for (const char* kind : {"", R"("kind":"Error",)", R"("kind":1,)"}) {
    SCOPED_TRACE(kind);
    EXPECT_EQ(DecodeFailure(404, absl::StrCat("{", kind, R"("reason":"NotFound"})")),
              (ApiFailure{.code = 404}));
  }
}

}  // namespace
}  // namespace pmem::extender
