/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include "workers/verifier/time_span.h"

#include <errno.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>

#define DAY_S 86400

/* Days since 1970-01-01 of the proleptic Gregorian calendar; years count from March, so that the
 * leap day is a year's last. */
static int64_t days_of(int year, int month, int day)
{
	int64_t from_march = year - (month <= 2);
	int64_t month_days = (153 * (month + (month > 2 ? -3 : 9)) + 2) / 5;

	return from_march * 365 + from_march / 4 - from_march / 100 + from_march / 400 +
	       month_days + day - 1 - 719468;
}

static int month_length(int year, int month)
{
	static const int lengths[] = { 31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31 };
	bool leap = (year % 4 == 0 && year % 100 != 0) || year % 400 == 0;

	return month == 2 && leap ? 29 : lengths[month - 1];
}

static int number_read(const char *text, size_t digits)
{
	int number = 0;

	for (size_t i = 0; i < digits; i++)
		number = number * 10 + (text[i] - '0');
	return number;
}

/* Of the text's first part, whether it is as the form says: 0 stands for any digit. */
static bool form_fits(const char *text, const char *form)
{
	for (; *form; text++, form++) {
		if (*form == '0' ? *text < '0' || *text > '9' : *text != *form)
			return false;
	}
	return true;
}

/* What follows the seconds: nothing but a fraction and the Z of UTC. */
static bool rest_fits(const char *rest)
{
	if (*rest == '.') {
		size_t digits = strspn(rest + 1, "0123456789");

		if (digits == 0)
			return false;
		rest += 1 + digits;
	}
	return strcmp(rest, "Z") == 0;
}

int time_parse(const char *text, int64_t *time_s)
{
	if (!form_fits(text, "0000-00-00T00:00:00") || !rest_fits(text + 19))
		return -EBADMSG;

	int year = number_read(text, 4);
	int month = number_read(text + 5, 2);
	int day = number_read(text + 8, 2);
	int hour = number_read(text + 11, 2);
	int minute = number_read(text + 14, 2);
	int second = number_read(text + 17, 2);

	if (year < 1 || month < 1 || month > 12 || day < 1 || day > month_length(year, month) ||
	    hour > 23 || minute > 59 || second > 59)
		return -EBADMSG;
	*time_s = days_of(year, month, day) * DAY_S + (int64_t)hour * 3600 + (int64_t)minute * 60 +
	          second;
	return 0;
}

void time_format(int64_t time_s, char text[TIME_TEXT_SIZE])
{
	int64_t days = time_s / DAY_S - (time_s % DAY_S < 0);
	int64_t rest = time_s - days * DAY_S;
	int year = 1970;
	int month = 1;

	/* a few thousand years at most: what is outside is written as the end of them */
	while (year < 9999 && days_of(year + 1, 1, 1) <= days)
		year++;
	while (year > 1 && days_of(year, 1, 1) > days)
		year--;
	while (month < 12 && days_of(year, month + 1, 1) <= days)
		month++;

	int64_t day = days - days_of(year, month, 1) + 1;

	day = day < 1 ? 1 : day > 31 ? 31 : day;
	(void)snprintf(text, TIME_TEXT_SIZE, "%04d-%02d-%02dT%02d:%02d:%02dZ", year, month,
	               (int)day, (int)(rest / 3600), (int)(rest / 60 % 60), (int)(rest % 60));
}
