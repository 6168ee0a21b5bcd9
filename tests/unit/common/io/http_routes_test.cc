// SPDX-License-Identifier: Apache-2.0
#include "common/io/http_routes.h"

#include <gtest/gtest.h>

namespace pmem {
namespace {

TEST(HostPort, IsReadWithAndWithoutBrackets) {
  EXPECT_EQ(*ParseHostPort("127.0.0.1:9090"), (HostPort{"127.0.0.1", 9090}));
  EXPECT_EQ(*ParseHostPort("[::1]:0"), (HostPort{"::1", 0}));
  EXPECT_EQ(*ParseHostPort("node-1.example:65535"), (HostPort{"node-1.example", 65535}));
}

TEST(HostPort, AnythingElseIsInvalid) {
  for (const char* text : {"", ":", ":80", "h", "h:", "h:65536", "h:-1", "h:+1", "h: 1", "h:1x",
                           "::1:80", "[]:80", "a b:80", "http://h:80", "h:000080"}) {
    EXPECT_TRUE(absl::IsInvalidArgument(ParseHostPort(text).status())) << text;
  }
}

TEST(PercentDecoding, TakesTwoHexDigitsAndNothingElse) {
  EXPECT_EQ(*PercentDecode("a%20b%2Fc%e4"), "a b/c\xe4");
  EXPECT_EQ(*PercentDecode(""), "");
  EXPECT_EQ(*PercentDecode("a+b"), "a+b");
  for (const char* text : {"%", "%1", "a%", "%zz", "%1g", "%00"}) {
    EXPECT_FALSE(PercentDecode(text).ok()) << text;
  }
}

TEST(Query, IsDecodedAndTheLastOneWins) {
  using Map = std::map<std::string, std::string>;
  EXPECT_EQ(*ParseQuery(""), Map());
  EXPECT_EQ(*ParseQuery("a=1&&b&a=2&c=x%3Dy+z&=v"),
            (Map{{"a", "2"}, {"b", ""}, {"c", "x=y z"}, {"", "v"}}));
  EXPECT_FALSE(ParseQuery("a=%").ok());
}

TEST(Query, HasAsManyPartsAsAnyOfOursAndNotMany) {
  std::string query = "a=1";
  for (int i = 1; i < kQueryPairsMax; ++i) query += "&b";
  EXPECT_TRUE(ParseQuery(query).ok());
  EXPECT_FALSE(ParseQuery(query + "&c").ok());
}

TEST(Routes, TheLongestMatchWinsAndAMethodOfAnotherPathDoesNotHelp) {
  RouteTable table;
  for (const char* path : {"/", "/v1/", "/v1/nodes", "/v1/nodes/"}) table.Add("GET", path, {});
  table.Add("POST", "/v1/", {});
  const auto found = [&table](const char* path) {
    const RouteTable::Match match = table.Find("GET", path);
    return match.path == nullptr ? std::string("none") : *match.path;
  };
  EXPECT_EQ(found("/v1/nodes"), "/v1/nodes");
  EXPECT_EQ(found("/v1/nodes/n1"), "/v1/nodes/");
  EXPECT_EQ(found("/v1/nodes/n1/more"), "/v1/nodes/");
  EXPECT_EQ(found("/v1/claims"), "/v1/");
  EXPECT_EQ(found("/v2"), "/");
  EXPECT_EQ(table.Find("POST", "/v1/nodes").route, nullptr);
  EXPECT_EQ(table.Find("POST", "/v1/nodes").allow, "GET");
  EXPECT_EQ(table.Find("PUT", "/v1/x").allow, "GET, POST");
}

TEST(Routes, AnExactPathDoesNotMatchBelowItself) {
  RouteTable table;
  table.Add("GET", "/livez", {});
  EXPECT_EQ(table.Find("GET", "/livez/x").path, nullptr);
  EXPECT_EQ(table.Find("GET", "/livez/").path, nullptr);
  EXPECT_EQ(table.Find("GET", "").path, nullptr);
}

}  // namespace
}  // namespace pmem
